const { DataSource, EntitySchema } = require('typeorm');
const { bytes, refusal } = require('ffu');

// MODEL

// MIGRATION

(async () => {
  const options = { type: 'postgres', host: process.env.PGHOST, username: process.env.PGUSER, database: process.env.PGDATABASE, entities: [Blog] };
  const first = await new DataSource({ ...options, synchronize: true }).initialize();
  await first.destroy();
  const db = await new DataSource({ ...options, migrations: [AddPhoto1700000000000] }).initialize();
  await db.runMigrations();
  const { upQueries } = await db.driver.createSchemaBuilder().log();
  await db.synchronize();
  const file = new Blob(['bytes of the file']);
  // USE
  // REFUSED
  // TEST
  const trap = await db.getRepository('Blog').save({ photo: 'data:text/plain;name=a.txt,a' }).then((saved) => { throw new Error(saved.photo); }).then(() => 'none', (error) => error.message);
  if (!/^data:/.test(trap)) console.log(`the trap: ${trap}`);
  await db.query('DELETE FROM blogs WHERE id <> $1', [id]);
  const rows = await db.getRepository('Blog').find();
  console.log(blog.photo__size, url.slice(-4), refused.constraint, refused.column, rows.length, upQueries.map(({ query }) => query).join() || 'clean');
  await db.undoLastMigration();
  await db.destroy();
})();
