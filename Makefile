# ffu: file columns that follow their rows.
#
#   make                  build
#   make install          install into the PostgreSQL that PG_CONFIG belongs to
#   make installcheck     run the SQL tests against a running server
#   make FAULTS=1         build with fault points (for the tests, never install it)
#   make bench            measure ffu against what else one would use, in private
#                         servers (BENCH=--quick: three minutes; see script/bench)
#
# Everything else, the tests in private servers above all, is in script/.

EXTENSION = ffu
MODULE_big = ffu

# The version has one home: the control file.
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" ffu.control)

# The rooms of the house are folders below src, at most two deep.
SOURCES = $(sort $(foreach room,src src/* src/*/*,$(wildcard $(room)/*.c)))
OBJS = $(SOURCES:.c=.o)
OUR_HEADERS = $(foreach room,src src/* src/*/*,$(wildcard $(room)/*.h))

# The install script is its parts, in the order of their numbers.
SQL_PARTS = $(sort $(wildcard src/sql/*.sql))
DATA_built = $(EXTENSION)--$(EXTVERSION).sql
DATA = $(filter-out $(DATA_built),$(wildcard $(EXTENSION)--*--*.sql))

# Libraries of a server share one name space, so only what is marked leaves ours.
PG_CFLAGS = -fvisibility=hidden
# gcc only: clang, which makes the bitcode, does not know them all.
PG_CFLAGS += -Wextra -Wno-unused-parameter -Wno-sign-compare \
	-Wshadow=compatible-local -Wstrict-prototypes -Wwrite-strings \
	-Wnull-dereference -Wformat=2
PG_CPPFLAGS = -I$(srcdir)/src -DFFU_VERSION='"$(EXTVERSION)"'
SHLIB_LINK = -lmagic

# FAULTS=1 compiles the fault points in.
FAULTS_ON := $(filter-out 0 no off,$(FAULTS))
ifneq ($(FAULTS_ON),)
PG_CPPFLAGS += -DFFU_FAULTS
endif

# pg_regress wants its inputs in ./sql and its answers in ./expected.
REGRESS ?= $(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql)))
REGRESS_OPTS = --encoding=UTF8
REGRESS_PREP = test-root

EXTRA_CLEAN = $(DATA_built) .build-variant tmp_check

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

$(DATA_built): $(SQL_PARTS) ffu.control
	cat $(SQL_PARTS) > $@

# Objects with fault points and without, or of two servers, are never mixed:
# the stamp changes when the variant does, and every object depends on it.
BUILD_VARIANT = $(if $(FAULTS_ON),faults,release) $(PG_CONFIG) $(VERSION)
.build-variant: FORCE
	@echo '$(BUILD_VARIANT)' | cmp -s - $@ || echo '$(BUILD_VARIANT)' > $@
$(OBJS) $(OBJS:.o=.bc): .build-variant $(OUR_HEADERS)

# The SQL tests need a place for files: FFU_TEST_ROOT, an absolute, existing and
# empty directory that only the server's user can write to. The tests read it
# with \getenv and make their folders in it. Without it we make one here, which
# is right when the server runs as the user who calls make.
ifeq ($(FFU_TEST_ROOT),)
FFU_TEST_ROOT := $(CURDIR)/tmp_check/files
FFU_TEST_ROOT_IS_OURS = yes
endif
export FFU_TEST_ROOT
TEST_PSQL = $(bindir)/psql -X -q -A -t -v ON_ERROR_STOP=1 -d postgres

# The server itself is asked: it may run as another user.
test-root:
	$(if $(FFU_TEST_ROOT_IS_OURS),@rm -rf '$(FFU_TEST_ROOT)' && mkdir -p -m 0700 '$(FFU_TEST_ROOT)')
	@$(TEST_PSQL) -c "COPY (SELECT 1) TO PROGRAM 'cat >/dev/null && cd \"$(FFU_TEST_ROOT)\" && test -z \"\$$(ls -A)\" && mkdir probe && rmdir probe'" \
	|| { echo 'ffu: the server cannot use "$(FFU_TEST_ROOT)" for the files of the tests.'; \
	     echo 'ffu: Set FFU_TEST_ROOT to an empty directory that belongs to the user the server runs as, for example'; \
	     echo 'ffu:   sudo -u postgres mkdir -m 0700 /var/tmp/ffu-test && make installcheck FFU_TEST_ROOT=/var/tmp/ffu-test'; \
	     exit 1; } >&2

bench:
	script/bench $(BENCH)

FORCE:
.PHONY: FORCE test-root bench
