const fs = require('fs');
const path = require('path');
const { execFileSync } = require('child_process');
const { Pool } = require('pg');
const { drizzle } = require('drizzle-orm/node-postgres');
const { migrate } = require('drizzle-orm/node-postgres/migrator');
const { sql } = require('drizzle-orm');
const { bytes, refusal } = require('ffu');

/* What drizzle-kit says, run where its files are. */
function kit(...args) {
  return execFileSync(process.execPath, ['node_modules/drizzle-kit/bin.cjs', ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

const MODEL = `
// MODEL
`;
fs.mkdirSync('drizzle');
fs.symlinkSync(process.env.NODE_PATH.split(':')[0], 'node_modules');
fs.writeFileSync('schema.ts', MODEL);
fs.writeFileSync('schema.mjs', MODEL);
fs.writeFileSync('drizzle.config.json', JSON.stringify({
  dialect: 'postgresql', schema: './schema.ts', out: './drizzle',
  dbCredentials: { host: process.env.PGHOST, user: process.env.PGUSER, database: process.env.PGDATABASE, ssl: false },
}));

(async () => {
  const pool = new Pool();
  const db = drizzle(pool);
  const file = new Blob(['bytes of the file']);
  kit('generate', '--name', 'blogs');
  kit('generate', '--custom', '--name', 'photo');
  const [custom] = fs.readdirSync('drizzle').filter((name) => name.endsWith('_photo.sql'));
  fs.writeFileSync(path.join('drizzle', custom), `
// MIGRATION
`);
  await migrate(db, { migrationsFolder: 'drizzle' });
  const clean = kit('push').includes('No changes detected') && kit('generate').includes('No schema changes');
  const { blogs } = await import('./schema.mjs');
  // USE
  // REFUSED
  // TEST
  const rows = await db.select().from(blogs);
  console.log(blog.size, blog.url.slice(-4), refused.constraint, refused.column, rows.length, clean ? 'clean' : kit('push'));
  await pool.query('ALTER TABLE blogs DROP COLUMN photo; DROP SCHEMA drizzle CASCADE');
  await pool.end();
})();
