const { MikroORM, EntitySchema, raw } = require('@mikro-orm/postgresql');
const { bytes, refusal } = require('ffu');

// MODEL

(async () => {
  const orm = await MikroORM.init({ host: process.env.PGHOST, user: process.env.PGUSER, dbName: process.env.PGDATABASE, entities: [Blog], schemaGenerator });
  const changes = await orm.schema.getUpdateSchemaSQL();
  orm.config.set('schemaGenerator', {});
  const em = orm.em.fork();
  const file = new Blob(['bytes of the file']);
  // USE
  // REFUSED
  // TEST
  const trap = await orm.schema.getUpdateSchemaSQL().then((said) => { throw new Error(said); }).then(() => 'none', (error) => error.message);
  if (!/drop trigger/.test(trap)) console.log(`the trap: ${trap}`);
  const rows = await orm.em.fork().find('Blog', {});
  console.log(String(blog.photo__size), url.slice(-4), refused.constraint, refused.column, rows.length, changes.replace(/set names 'utf8';/, '').trim() || 'clean');
  await orm.close();
})();
