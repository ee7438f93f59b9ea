/*-------------------------------------------------------------------------
 *
 * version.c
 *	  The versions of the library and of the SQL in this database.
 *
 * A package brings a new library for all databases at once, while each
 * database keeps its SQL until ALTER EXTENSION ffu UPDATE.  A session keeps
 * the library it has loaded, and a server that preloads ffu keeps the library
 * until a restart.  So the two versions may differ in both directions.  The
 * library works with the SQL of FFU_SQL_SINCE and later, up to its own
 * version.  With other SQL the library uses no folder and dooms no file.
 *
 * The version of the SQL is that of pg_extension.  CREATE EXTENSION and ALTER
 * EXTENSION UPDATE set it before they run the script.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/rel.h"

#include "base/catalog.h"
#include "base/version.h"

/*
 * The oldest version whose SQL this library works with.  As long as a version
 * is in this range, every C function that its SQL names keeps its name, its
 * arguments and its result, and every table its columns.
 */
#ifndef FFU_SQL_SINCE
#define FFU_SQL_SINCE	"0.1.0"
#endif

FFU_FUNCTION(ffu_sql_check_version);

/* The table ffu.root if the versions were found to fit, else InvalidOid */
static Oid	fits_root = InvalidOid;

/*
 * Return the version of the library.  The Makefile takes it from ffu.control.
 */
const char *
ffu_version_library(void)
{
	return FFU_VERSION;
}

/*
 * Relcache callback.  ffu_sql_check_version() sends an invalidation of ffu.root
 * when a script has changed the version of the SQL.
 */
static void
forget_version(Datum arg, Oid relid)
{
	if (!OidIsValid(relid) || relid == fits_root)
		fits_root = InvalidOid;
}

/*
 * Return the version of the SQL in this database, palloc'd, or NULL without
 * the extension.
 */
static char *
find_sql_version(void)
{
	Relation	rel = table_open(ExtensionRelationId, AccessShareLock);
	char	   *version = NULL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber,
				F_NAMEEQ, CStringGetDatum(FFU_EXTENSION));
	scan = systable_beginscan(rel, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		bool		isnull;
		Datum		value = heap_getattr(tuple, Anum_pg_extension_extversion,
										 RelationGetDescr(rel), &isnull);

		version = isnull ? NULL : TextDatumGetCString(value);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return version;
}

/*
 * Compare two versions "major.minor.patch" by their numbers.  Return a number
 * below, equal to or above 0.
 */
static int
compare_versions(const char *a, const char *b)
{
	for (int i = 0; i < 3; i++)
	{
		char	   *a_end;
		char	   *b_end;
		unsigned long m = strtoul(a, &a_end, 10);
		unsigned long n = strtoul(b, &b_end, 10);

		if (m != n)
			return m < n ? -1 : 1;
		a = *a_end == '.' ? a_end + 1 : a_end;
		b = *b_end == '.' ? b_end + 1 : b_end;
	}
	return 0;
}

/*
 * Tell whether the library works with this version of the SQL.  If not, set
 * detail and hint, palloc'd.
 */
static bool
works_with(const char *version, char **detail, char **hint)
{
	bool		newer = compare_versions(version, FFU_VERSION) > 0;

	if (!newer && compare_versions(version, FFU_SQL_SINCE) >= 0)
		return true;
	*detail = psprintf("The library of ffu has version %s, but the extension in this database has version %s.",
					   FFU_VERSION, version);
	*hint = newer ?
		psprintf("Connect again, after a restart if the server preloads ffu. If this does not help, install version %s of the library.",
				 version) :
		pstrdup("Run ALTER EXTENSION ffu UPDATE in this database.");
	return false;
}

/*
 * Tell whether the library works with the SQL in this database.  If not, set
 * detail and hint, palloc'd.  While a script of the extension runs, the answer
 * is true: an update passes through the versions between.
 */
bool
ffu_version_fits(char **detail, char **hint)
{
	static bool registered = false;
	Oid			root;
	char	   *version;

	if (OidIsValid(fits_root) || creating_extension)
		return true;
	if (!registered)
		CacheRegisterRelcacheCallback(forget_version, (Datum) 0);
	registered = true;
	root = ffu_catalog_relation_if_any("root");
	version = find_sql_version();
	if (version && !works_with(version, detail, hint))
		return false;
	fits_root = root;
	return true;
}

/*
 * Raise 55000 with the detail and the hint of works_with().
 */
static void
refuse_version(const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("library and extension \"%s\" have different versions",
					FFU_EXTENSION),
			 errdetail_internal("%s", detail),
			 errhint("%s", hint)));
}

/*
 * Raise 55000 unless the library works with the SQL in this database.
 */
void
ffu_version_check(void)
{
	char	   *detail;
	char	   *hint;

	if (!ffu_version_fits(&detail, &hint))
		refuse_version(detail, hint);
}

/*
 * ffu._check_version(): every script of the extension calls this function
 * before it does anything else with the library.  Raise 55000 unless the
 * library works with the SQL that the script makes.  Return the version of the
 * library.  Other sessions look at the versions again after the commit.
 */
Datum
ffu_sql_check_version(PG_FUNCTION_ARGS)
{
	char	   *version = find_sql_version();
	Oid			root = ffu_catalog_relation_if_any("root");
	char	   *detail;
	char	   *hint;

	if (version && !works_with(version, &detail, &hint))
		refuse_version(detail, hint);
	if (creating_extension && OidIsValid(root))
		CacheInvalidateRelcacheByRelid(root);
	PG_RETURN_TEXT_P(cstring_to_text(FFU_VERSION));
}
