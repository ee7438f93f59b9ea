\o /dev/null
SELECT pg_create_logical_replication_slot('blogs', 'wal2json');
INSERT INTO blogs (photo) VALUES (ffu.file('lake.txt', 'bytes of the file'));
DELETE FROM blogs;
\o unfiltered
SELECT data FROM pg_logical_slot_peek_changes('blogs', NULL, NULL);
\o changes
-- USE
\o
SELECT pg_drop_replication_slot('blogs');
\! echo "$(grep -c 'photo-[a-z0-9]*\.txt' changes) $(grep -c deletion changes) $(grep -q deletion unfiltered && echo seen)"
