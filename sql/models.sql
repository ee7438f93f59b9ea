-- Rows with the URLs of their files, and their children: what
-- flask-file-upload's add_file_urls_to_models is for.
\set SHOW_CONTEXT never
CREATE TABLE blogs (id int PRIMARY KEY, name text);
SELECT ffu.add_column('blogs', 'my_video', allowed_extensions => '{txt}');
SELECT ffu.add_column('blogs', 'image', allowed_extensions => '{txt}');
CREATE TABLE news (news_id int PRIMARY KEY, title text, blog_id int REFERENCES blogs);
SELECT ffu.add_column('news', 'news_image', allowed_extensions => '{txt}');
CREATE TABLE comments (id int PRIMARY KEY, news_id int CONSTRAINT about REFERENCES news,
	answers int CONSTRAINT answered REFERENCES comments, body text);
SELECT ffu.add_column('comments', 'attachment', allowed_extensions => '{txt}');
INSERT INTO blogs (id, name, my_video) VALUES (1, 'one', 'data:,text one'), (2, 'two', NULL),
	(3, 'three', 'data:,text three');
INSERT INTO news (news_id, title, blog_id, news_image)
	VALUES (12, 'b', 1, NULL), (11, 'a', 1, 'data:,text a'), (13, 'c', 3, 'data:,text c'),
	(14, 'of none', NULL, 'data:,text d');
INSERT INTO comments (id, news_id, answers, attachment) VALUES (1, 11, NULL, 'data:,text x'),
	(2, 11, 1, NULL), (3, 13, NULL, 'data:,text y'), (4, NULL, 2, 'data:,text z');

-- what is shown: the model without what varies or is empty
CREATE FUNCTION t.model(model jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	member record;
	shown jsonb := '{}';
BEGIN
	IF jsonb_typeof(model) = 'array' THEN
		RETURN (SELECT coalesce(jsonb_agg(t.model(e) ORDER BY i), '[]')
		FROM jsonb_array_elements(model) WITH ORDINALITY AS u(e, i));
	END IF;
	FOR member IN SELECT * FROM jsonb_each(model) LOOP
		CONTINUE WHEN member.key ~ '__' OR (member.value = 'null' AND member.key !~ '_url$');
		shown := shown || jsonb_build_object(member.key, CASE jsonb_typeof(member.value)
		WHEN 'array' THEN t.model(member.value)
			WHEN 'string' THEN to_jsonb(t.mask(member.value #>> '{}')) ELSE member.value END);
	END LOOP;
	RETURN shown;
END
$$;
-- in the order of the keys; all, in that of the primary key; none
SELECT jsonb_pretty(t.model(m))
	FROM ffu.add_file_urls_to_models('blogs', ARRAY[3, 1], '{my_video}') m;
SELECT m ->> 'id' AS id, m ? 'image_url' AS image, m ? 'my_video_url' AS video
	FROM ffu.add_file_urls_to_models('blogs', NULL, '{my_video,image}') m;
SELECT m ->> 'id' AS id FROM ffu.add_file_urls_to_models('blogs', '{2,2,1}', '{my_video}') m;
SELECT count(*) FROM ffu.add_file_urls_to_models('blogs', '{}', '{my_video}');
SELECT count(*) FROM ffu.add_file_urls_to_models('blogs', ARRAY[]::int[], '{my_video}');
-- children
SELECT jsonb_pretty(jsonb_agg(t.model(m)))
	FROM ffu.add_file_urls_to_models('blogs', '{1,2}', '{my_video}',
	'{"name": "news", "filenames": "news_image"}') m;
-- at any depth, children alone, under another name; several kinds of children
SELECT jsonb_pretty(t.model(m))
	FROM ffu.add_file_urls_to_models('blogs', '{1}', NULL, '{"name": "public.news",
	"as": "articles", "filenames": [],
	"backref": {"name": "comments", "foreign_key": "about", "filenames": ["attachment"],
	"backref": {"name": "comments", "as": "answers", "filenames": ["attachment"],
	"backref": [{"name": "comments", "as": "answers", "filenames": ["attachment"]}]}}}') m;
SELECT jsonb_pretty(t.model(m))
	FROM ffu.add_file_urls_to_models('news', '{13}', '{news_image}',
	'[{"name": "comments", "filenames": "attachment"}, {"name": "comments", "as": "again", '
	'"filenames": []}]') m;
-- one query, not one a row
CREATE FUNCTION t.plan(query text, keys text[]) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan USING keys;
	RETURN plan;
END
$$;
SELECT plan::text ~ '"Relation Name": "comments"' AS comments, plan::text ~ 'SubPlan'
	AS a_row_at_a_time
  FROM t.plan(ffu._models_query('blogs', true, '{my_video}',
    '{"name": "news", "filenames": "news_image", "backref": {"name": "comments", "foreign_key": '
    '"about", "filenames": []}}'), '{1,2}') plan;
DROP FUNCTION t.plan;
-- keys of several columns, referenced so
CREATE TABLE pair (a int, b text, PRIMARY KEY (b, a));
SELECT ffu.add_column('pair', 'f', allowed_extensions => '{txt}');
CREATE TABLE part (n int, pa int, pb text, FOREIGN KEY (pa, pb) REFERENCES pair (a, b));
SELECT ffu.add_column('part', 'g', allowed_extensions => '{txt}');
INSERT INTO pair VALUES (1, 'x', 'data:,text x'), (2, 'x', NULL), (1, 'y', NULL);
INSERT INTO part VALUES (1, 1, 'x', 'data:,text p'), (2, 1, 'y', NULL), (3, NULL, 'x', NULL);
SELECT t.model(m) FROM ffu.add_file_urls_to_models('pair',
	ARRAY['{"a": 1, "b": "x"}', '{"b": "y", "a": 1}']::jsonb[], '{f}',
	'{"name": "part", "filenames": "g"}') m;
SELECT t.model(m) FROM ffu.add_file_urls_to_models('pair', ARRAY['{"a": 2, "b": "x"}'], '{f}',
	'{"name": "part", "filenames": "g"}') m;
DROP TABLE part, pair;
-- partitions as children, and as parents
CREATE TABLE years (id int, year int, blog_id int REFERENCES blogs, PRIMARY KEY (id, year))
	PARTITION BY LIST (year);
CREATE TABLE years_1 PARTITION OF years FOR VALUES IN (2026);
SELECT ffu.add_column('years', 'f', allowed_extensions => '{txt}');
INSERT INTO years VALUES (1, 2026, 1, 'data:,text x');
SELECT t.model(m -> 'years')
	FROM ffu.add_file_urls_to_models('blogs', '{1}', '{image}',
	'{"name": "years", "filenames": "f"}') m;
DROP TABLE years;

-- rights and policies of the children apply too
CREATE ROLE regress_ffu_app;
GRANT SELECT ON blogs TO regress_ffu_app;
GRANT SELECT (news_id, blog_id, title) ON news TO regress_ffu_app;
ALTER TABLE news ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON news USING (news_id > 11);
SET ROLE regress_ffu_app;
SELECT m -> 'news' AS news
	FROM ffu.add_file_urls_to_models('blogs', '{1}', '{my_video}',
	'{"name": "news", "filenames": []}') m;
SELECT code FROM t.catch($$SELECT ffu.add_file_urls_to_models('blogs', '{1}', '{my_video}',
		'{"name": "news", "filenames": "news_image"}')$$);
SELECT code FROM t.catch($$SELECT ffu.add_file_urls_to_models('blogs', '{1}', '{my_video}',
		'{"name": "news", "filenames": [], "backref": {"name": "comments", "filenames": []}}')$$);
RESET ROLE;

-- bad input
SELECT t.full_error(format('SELECT ffu.add_file_urls_to_models(%s)', a)) FROM unnest(ARRAY[
	$$'blogs', '{1}', NULL$$, $$'blogs', '{1}', '{}'$$, $$'blogs', '{1}', '{zzz}'$$,
	$$'blogs', '{1,99,2}', '{image}'$$, $$'blogs', '{x}', '{image}'$$,
	$$'blogs', '{NULL}', '{image}'$$, $$NULL, '{1}', '{image}'$$,
	$$'blogs', '{1}', '{image}', '1'$$, $$'blogs', '{1}', '{image}', '{}'$$,
	$$'blogs', '{1}', '{image}', '{"name": "news"}'$$,
	$$'blogs', '{1}', '{image}', '{"name": "news", "filenames": {}}'$$,
	$$'blogs', '{1}', '{image}', '{"name": "news", "filenames": ["news_image"], "depth": 2}'$$,
	$$'blogs', '{1}', '{image}', '{"name": "news", "filenames": ["zzz"]}'$$,
	$$'blogs', '{1}', '{image}', '{"name": "nothing", "filenames": ["zzz"]}'$$,
	$$'comments', '{1}', '{attachment}', '{"name": "news", "filenames": ["news_image"]}'$$,
	$$'blogs', '{1}', '{image}', '{"name": "news", "filenames": [], "foreign_key": 1}'$$,
	$$'blogs', '{1}', '{image}', '{"name": "news", "filenames": [], "as": []}'$$]) a;
ALTER TABLE news ADD more int CONSTRAINT second_key REFERENCES blogs;
SELECT t.full_error($$SELECT ffu.add_file_urls_to_models('blogs', '{1}', '{image}',
		'{"name": "news", "filenames": []}')$$);
SELECT count(*) FROM ffu.add_file_urls_to_models('blogs', '{1}', '{image}',
	'{"name": "news", "filenames": [], "foreign_key": "second_key"}');
DROP TABLE comments, news, blogs;
DROP FUNCTION t.model;
DROP ROLE regress_ffu_app;
SELECT t.finish();
