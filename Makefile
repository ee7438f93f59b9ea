# ffu: file columns that follow their rows.
#
#   make                  build
#   make install          install into the PostgreSQL that PG_CONFIG belongs to
#   make installcheck     run the SQL tests against a running server
#   make dist             a zip of the last commit, for PGXN
#   make FAULTS=1         build with fault points (for the tests, never install it)
#   make bench            measure ffu against what else one would use, in private
#                         servers (BENCH=--quick: three minutes; see script/bench)
#
# Everything else, the tests in private servers above all, is in script/.

# ffu_flask has flask-file-upload's words.  Its C functions are in the library of
# ffu, so it is SQL and a control file alone.
EXTENSION = ffu flask/ffu_flask
MODULE_big = ffu

# Where the source is. In a VPATH build (make -f elsewhere/Makefile, or
# VPATH=elsewhere) that is not where make works.
HERE := $(or $(VPATH),$(patsubst %/,%,$(dir $(firstword $(MAKEFILE_LIST)))))

# make would take what was built in the source for what it is to make here.
ifneq ($(realpath $(HERE)),$(realpath .))
ifneq ($(wildcard $(HERE)/.build-variant),)
$(error ffu: $(HERE) was built in; call make clean there before you build outside of it)
endif
# PGXS finds the source by itself only where the server was built outside of its source.
VPATH := $(HERE)
endif

# The version of an extension has one home: the control file.
version_in = $(shell sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" $(HERE)/$(1).control)
EXTVERSION := $(call version_in,ffu)
ifeq ($(EXTVERSION),)
$(error ffu: $(HERE)/ffu.control gives no version; is the source in $(HERE)?)
endif
FLASK_VERSION := $(call version_in,flask/ffu_flask)
ifeq ($(FLASK_VERSION),)
$(error ffu: $(HERE)/flask/ffu_flask.control gives no version; is the source in $(HERE)?)
endif

# The rooms of the house are folders below src, at most two deep.
in_rooms = $(foreach room,src src/* src/*/*,$(wildcard $(HERE)/$(room)/$(1)))
ALL_SOURCES := $(patsubst $(HERE)/%,%,$(sort $(call in_rooms,*.c)))
# One room is a library of its own, which sessions with a bucket alone load.
S3_SOURCES := $(filter src/store/s3/%,$(ALL_SOURCES))
S3_OBJS = $(S3_SOURCES:.c=.o)
# What both libraries have
S3_SHARED = src/base/caught.o src/base/digest.o
# Another one, which sessions that fetch files from another server load
PEER_SOURCES := $(filter src/store/peer/%,$(ALL_SOURCES))
PEER_OBJS = $(PEER_SOURCES:.c=.o)
SOURCES := $(filter-out $(S3_SOURCES) $(PEER_SOURCES),$(ALL_SOURCES))
OBJS = $(SOURCES:.c=.o)
OUR_HEADERS = $(call in_rooms,*.h)
ifeq ($(SOURCES),)
$(error ffu: there is no source in $(HERE)/src)
endif

# An install script is its parts, in the order of their numbers (see src/README).
SQL_PARTS := $(sort $(wildcard $(HERE)/src/sql/*.sql))
ifeq ($(SQL_PARTS),)
$(error ffu: there is no SQL in $(HERE)/src/sql)
endif
FLASK_PARTS := $(sort $(wildcard $(HERE)/flask/sql/*.sql))
ifeq ($(FLASK_PARTS),)
$(error ffu: there is no SQL in $(HERE)/flask/sql)
endif
INSTALL_SQL = ffu--$(EXTVERSION).sql
FLASK_SQL = ffu_flask--$(FLASK_VERSION).sql
DATA_built = $(INSTALL_SQL) $(FLASK_SQL)
DATA = $(patsubst $(HERE)/%,%,$(wildcard $(HERE)/src/sql/update/ffu--*--*.sql $(HERE)/flask/ffu_flask--*--*.sql))

# Libraries of a server share one name space, so only what is marked leaves ours.
PG_CFLAGS = -fvisibility=hidden
PG_CFLAGS += -Wextra -Wno-unused-parameter -Wno-sign-compare \
	-Wstrict-prototypes -Wwrite-strings -Wnull-dereference -Wformat=2
PG_CPPFLAGS = -I$(srcdir)/src -DFFU_VERSION='"$(EXTVERSION)"'
SHLIB_LINK = -lmagic

# FAULTS=1 compiles the fault points in.
FAULTS_ON := $(filter-out 0 no off,$(FAULTS))
ifneq ($(FAULTS_ON),)
PG_CPPFLAGS += -DFFU_FAULTS
endif

# pg_regress wants its inputs in ./sql and its answers in ./expected.
REGRESS ?= $(sort $(notdir $(basename $(wildcard $(HERE)/sql/*.sql))))
REGRESS_OPTS = --encoding=UTF8
REGRESS_PREP = test-root

EXTRA_CLEAN = $(S3_LIBRARY) $(S3_OBJS) $(PEER_LIBRARY) $(PEER_OBJS) $(DATA_built) ffu-$(EXTVERSION).zip .build-variant tmp_check

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
ifeq ($(wildcard $(PGXS)),)
$(error ffu: there are no headers of the server for $(PG_CONFIG); install them (on Debian postgresql-server-dev-15 for PostgreSQL 15) and name the pg_config of the server: make PG_CONFIG=/usr/lib/postgresql/15/bin/pg_config)
endif
include $(PGXS)

# The libraries for object stores and for other servers.  PGXS builds one library, so
# we say how the others are built, with what PGXS knows.
S3_LIBRARY = ffu_s3$(DLSUFFIX)
S3_LINK ?= $(shell curl-config --libs 2>/dev/null || echo -lcurl) $(shell xml2-config --libs 2>/dev/null || echo -lxml2)
$(S3_OBJS): override CPPFLAGS += $(shell xml2-config --cflags 2>/dev/null)
all: $(S3_LIBRARY)
$(S3_LIBRARY): $(S3_OBJS) $(S3_SHARED)
	$(CC) $(CFLAGS) $(S3_OBJS) $(S3_SHARED) $(LDFLAGS) $(LDFLAGS_SL) -shared -o $@ $(S3_LINK)
install: install-s3
install-s3: $(S3_LIBRARY) installdirs
	$(INSTALL_SHLIB) $(S3_LIBRARY) '$(DESTDIR)$(pkglibdir)/$(S3_LIBRARY)'
uninstall: uninstall-s3
uninstall-s3:
	rm -f '$(DESTDIR)$(pkglibdir)/$(S3_LIBRARY)'

PEER_LIBRARY = ffu_peer$(DLSUFFIX)
$(PEER_OBJS): override CPPFLAGS += -I$(libpq_srcdir)
all: $(PEER_LIBRARY)
$(PEER_LIBRARY): $(PEER_OBJS)
	$(CC) $(CFLAGS) $(PEER_OBJS) $(LDFLAGS) $(LDFLAGS_SL) -shared -o $@ $(libpq)
install: install-peer
install-peer: $(PEER_LIBRARY) installdirs
	$(INSTALL_SHLIB) $(PEER_LIBRARY) '$(DESTDIR)$(pkglibdir)/$(PEER_LIBRARY)'
uninstall: uninstall-peer
uninstall-peer:
	rm -f '$(DESTDIR)$(pkglibdir)/$(PEER_LIBRARY)'

# What no version number tells of the server (see src/base/compat.h)
ifneq ($(shell grep -s AT_MergePartitions $(includedir_server)/nodes/parsenodes.h),)
override CPPFLAGS += -DFFU_SERVER_MERGES_PARTITIONS
endif

# The headers of 15 are not of C23, in which newer compilers read C.
ifeq ($(MAJORVERSION),15)
override CFLAGS += -std=gnu17
endif

# gcc's alone; clang may also be asked for as the compiler.
ifeq ($(findstring clang,$(shell $(CC) --version 2>/dev/null)),)
override CFLAGS += -Wshadow=compatible-local
endif

# A part that was removed leaves a newer directory.
$(INSTALL_SQL): $(SQL_PARTS) $(HERE)/src/sql $(HERE)/ffu.control
	cat $(SQL_PARTS) > $@
$(FLASK_SQL): $(FLASK_PARTS) $(HERE)/flask/sql $(HERE)/flask/ffu_flask.control
	cat $(FLASK_PARTS) > $@

# Objects with fault points and without, or of two servers, are never mixed:
# the stamp changes when the variant does, and every object depends on it.
# PG_CONFIG itself is not in it: the same server has many names. In a VPATH build
# the folders of the objects are made here as well.
BUILD_VARIANT = $(if $(FAULTS_ON),faults,release) $(bindir) $(pkglibdir) $(VERSION)
.build-variant: FORCE
	@mkdir -p $(sort $(dir $(OBJS) $(S3_OBJS) $(PEER_OBJS)))
	@echo '$(BUILD_VARIANT)' | cmp -s - $@ || echo '$(BUILD_VARIANT)' > $@
$(OBJS) $(OBJS:.o=.bc) $(S3_OBJS) $(PEER_OBJS): .build-variant $(OUR_HEADERS)
src/base/version.o src/base/version.bc: $(HERE)/ffu.control

# The SQL tests need a place for files: FFU_TEST_ROOT, an absolute, existing and
# empty directory that only the server's user can write to. The tests read it
# with \getenv and make their folders in it. Without it we make one here, which
# is right when the server runs as the user who calls make; root never is.
ifeq ($(FFU_TEST_ROOT),)
FFU_TEST_ROOT := $(CURDIR)/tmp_check/files
FFU_TEST_ROOT_IS_OURS = yes
endif
export FFU_TEST_ROOT
TEST_PSQL = $(bindir)/psql -X -q -A -t -v ON_ERROR_STOP=1 -d postgres

# The server itself is asked: it may run as another user.
test-root:
ifeq ($(FFU_TEST_ROOT_IS_OURS),yes)
	@if [ "$$(id -u)" -eq 0 ]; then \
		echo 'ffu: no server runs as root, so none can use a directory of root for the files of the tests.'; \
		echo "ffu: Call make installcheck as the server's user, or set FFU_TEST_ROOT to an empty directory of that user, for example"; \
		echo 'ffu:   sudo -u postgres mkdir -m 0700 /var/tmp/ffu-test && make installcheck FFU_TEST_ROOT=/var/tmp/ffu-test'; \
		exit 1; fi >&2
endif
	@server=$$($(TEST_PSQL) -c "SELECT current_setting('server_version_num')::int / 10000") && \
	if [ "$$server" != "$(MAJORVERSION)" ]; then \
		echo "ffu: the library is built for PostgreSQL $(MAJORVERSION), and the server is PostgreSQL $$server."; \
		echo "ffu: Call make clean, and then make with PG_CONFIG=/path/to/pg_config of that server."; \
		exit 1; fi >&2
	$(if $(FFU_TEST_ROOT_IS_OURS),@rm -rf '$(FFU_TEST_ROOT)' && mkdir -p -m 0700 '$(FFU_TEST_ROOT)')
	@$(TEST_PSQL) -c "COPY (SELECT 1) TO PROGRAM 'cat >/dev/null && cd \"$(FFU_TEST_ROOT)\" && test -z \"\$$(ls -A)\" && mkdir probe && rmdir probe'" \
	|| { echo 'ffu: the server cannot use "$(FFU_TEST_ROOT)" for the files of the tests.'; \
	     echo 'ffu: Set FFU_TEST_ROOT to an empty directory that belongs to the user the server runs as, for example'; \
	     echo 'ffu:   sudo -u postgres mkdir -m 0700 /var/tmp/ffu-test && make installcheck FFU_TEST_ROOT=/var/tmp/ffu-test'; \
	     exit 1; } >&2
	@$(TEST_PSQL) -c "SELECT 'ffu: max_prepared_transactions is 0, so the test \"prepared\" has nothing to do.' WHERE current_setting('max_prepared_transactions') = '0'"

# What PGXN takes: the files of the last commit.
dist: ffu-$(EXTVERSION).zip
ffu-$(EXTVERSION).zip: FORCE
	git -C $(HERE) archive --format=zip --prefix=ffu-$(EXTVERSION)/ -o $(CURDIR)/$@ HEAD

bench:
	$(HERE)/script/bench $(BENCH)

FORCE:
.PHONY: FORCE test-root dist bench install-s3 uninstall-s3 install-peer uninstall-peer
