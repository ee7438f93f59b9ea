-- What the server of this directory needs in a database that has ffu, a folder
-- and a bucket (SELECT ffu.use_bucket(...)).
CREATE TABLE videos (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
);
SELECT ffu.add_column('videos', 'video', allowed_extensions => '{mp4,webm,mov}',
					  max_size => '2 GB', store => 'bucket');

CREATE ROLE direct LOGIN;
GRANT SELECT, INSERT ON videos TO direct;
-- Everybody who may call this function may store objects in the bucket.
GRANT EXECUTE ON FUNCTION ffu.upload_begin(text, boolean, bigint, text) TO direct;
