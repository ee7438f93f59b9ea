-- What the tus server of this directory needs in a database that has ffu and a
-- folder (SELECT ffu.use_folder(...)).
CREATE TABLE videos (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	-- The digest of the upload's id, so that a client that never heard that it
	-- was done can still ask.
	upload_sha256 text UNIQUE
);
SELECT ffu.add_column('videos', 'video', allowed_extensions => '{mp4,webm,mov}', max_size => '2 GB');

CREATE ROLE tus LOGIN;
GRANT SELECT, INSERT ON videos TO tus;
