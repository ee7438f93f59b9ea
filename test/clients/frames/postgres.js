const postgres = require('postgres');
const { bytes, refusal } = require('ffu');

(async () => {
  const sql = postgres({ host: process.env.PGHOST });
  const file = new Blob(['bytes of the file']);
  // USE
  // REFUSED
  // TEST
  const rows = await sql`SELECT FROM blogs`;
  console.log(blog.photo__size, blog.url.slice(-4), refused.constraint_name, refused.column_name, rows.length);
  await sql.end();
})();
