\! printf 'bytes of the file' >lake.txt
\o /dev/null
-- USE
\o
SELECT photo__size, right(ffu.url(photo), 4), count(*) OVER () FROM blogs;
