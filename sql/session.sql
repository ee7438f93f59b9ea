-- What the settings of a session must not change. script/test also runs all other
-- files under a set of unusual ones.

-- A literal in a function is read by the caller's standard_conforming_strings,
-- unless it has no backslash or is an E literal.
SELECT p.oid::regprocedure AS "backslash in a literal" FROM pg_proc p
 WHERE pronamespace = 'ffu'::regnamespace AND probin IS NULL
   AND strpos(regexp_replace(prosrc, 'E''([^'']|'''')*''', '', 'g'), chr(92)) > 0;

-- Functions that are known by their body: with all identifiers quoted.
SET quote_all_identifiers = on;
CREATE TABLE quoted (id int PRIMARY KEY);
SELECT ffu.add_column('quoted', 'f');
SELECT ffu.alter_column('quoted', 'f', max_size => '1 kB');
INSERT INTO quoted (id, f) VALUES (1, ffu.file('a.txt', 'a'));
SELECT ffu.drop_column('quoted', 'f', keep_files => false);
SELECT ffu.add_column('quoted', 'f');
ALTER TABLE quoted RENAME f TO g;
SELECT ffu.drop_column('quoted', 'g');
SELECT count(*) FROM pg_proc WHERE proname LIKE '%f_url';
RESET quote_all_identifiers;
DROP TABLE quoted;
SELECT t.finish();
