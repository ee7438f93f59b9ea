const fs = require('fs');
const { bytes, refusal } = require('ffu');
const knex = require('knex')({ client: 'pg', connection: { host: process.env.PGHOST, user: process.env.PGUSER, database: process.env.PGDATABASE } });

/* The migrations are read from files, as Knex does. */
const migrations = fs.mkdtempSync('migrations-');
fs.writeFileSync(`${migrations}/1_blogs.js`, `
exports.up = (knex) => knex.schema.createTable('blogs', (table) => { table.increments(); table.text('title'); });
exports.down = (knex) => knex.schema.dropTable('blogs');
`);
fs.writeFileSync(`${migrations}/2_photo.js`, `
// MIGRATION
`);

(async () => {
  const file = new Blob(['bytes of the file']);
  await knex.migrate.latest({ directory: migrations });
  // USE
  // REFUSED
  // TEST
  const trap = await knex('blogs').insert({ photo: Buffer.from([0xff, 0xd8]) }).then(() => 'none', (error) => error.message);
  if (!/invalid byte sequence/.test(trap)) console.log(`the trap: ${trap}`);
  const rows = await knex('blogs');
  await knex.migrate.rollback({ directory: migrations }, true);
  console.log(blog.photo__size, blog.url.slice(-4), refused.constraint, refused.column, rows.length);
  await knex.destroy();
})();
