const { Client } = require('pg');
const { bytes, refusal } = require('ffu');

(async () => {
  const client = new Client();
  await client.connect();
  const file = new Blob(['bytes of the file']);
  // USE
  // REFUSED
  // TEST
  const trap = await client.query("INSERT INTO blogs (photo) VALUES (ffu.file('a.txt', $1)) RETURNING ffu.content(photo) AS c", [new Blob(['abc'])]).then(({ rows }) => { throw new Error(rows[0].c); }).then(() => 'none', (error) => error.message);
  if (!/^\{\}$/.test(trap)) console.log(`the trap: ${trap}`);
  await client.query('DELETE FROM blogs WHERE id <> $1', [blog.id]);
  const { rows } = await client.query('SELECT FROM blogs');
  console.log(blog.photo__size, blog.url.slice(-4), refused.constraint, refused.column, rows.length);
  await client.end();
})();
