/*
 * Tests the package with node-postgres.  run.py has started the server.
 *
 * The storage engine is called as multer calls an engine, with the streams of busboy,
 * and by multer itself where a multer is installed.
 */
'use strict';

const { Readable } = require('stream');
const http = require('http');
const busboy = require('busboy');
const { Pool } = require('pg');
const ffu = require('..');

const pool = new Pool({ max: 3 });
let count = 0;
let failed = 0;

function ok(good, label, ...why) {
  count += 1;
  if (!good) failed += 1;
  console.log(`${good ? 'ok' : 'not ok'} ${count} - ${label}`);
  if (!good) for (const line of why) console.log(`#   ${String(line).replace(/\n/g, ' ')}`);
}

async function raised(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return null;
}

async function within(work) {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
}

async function stored(id) {
  const { rows: [row] } = await pool.query('SELECT photo__file_name AS name, ffu.content(photo) AS content FROM posts WHERE id = $1', [id]);
  return row;
}

async function insert(client, expression, value) {
  const { rows: [{ id }] } = await client.query(`INSERT INTO posts (photo) VALUES (${expression}) RETURNING id`, [].concat(value));
  return id;
}

async function rest() {
  const { rows: [row] } = await pool.query('SELECT (SELECT count(*) FROM ffu.upload)::int AS uploads, (SELECT count(*) FROM posts)::int AS posts');
  return row;
}

async function tryBytes() {
  const content = Buffer.from('some bytes');
  const kinds = {
    Buffer: content,
    Uint8Array: new Uint8Array(content),
    'a part of an array': new Uint8Array(Buffer.from('xxsome bytesxx')).subarray(2, 12),
    ArrayBuffer: new Uint8Array(content).buffer,
    DataView: new DataView(new Uint8Array(content).buffer),
    Blob: new Blob([content]),
  };
  for (const [kind, value] of Object.entries(kinds)) {
    const id = await insert(pool, "ffu.file('a.txt', $1)", [await ffu.bytes(value)]);
    ok((await stored(id)).content.equals(content), `bytes: ${kind}`);
    const other = await within(async (client) => insert(client, '$1', [await ffu.upload(client, 'a.txt', value)]));
    ok((await stored(other)).content.equals(content), `upload: ${kind}`);
  }
  for (const value of ['text', { a: 1 }, null, 7]) {
    ok(await raised(ffu.bytes(value)) instanceof TypeError, `bytes: not ${JSON.stringify(value)}`);
    ok(await raised(within((client) => ffu.upload(client, 'a.txt', value))) instanceof TypeError, `upload: not ${JSON.stringify(value)}`);
  }
}

async function tryStreams() {
  const parts = Array.from({ length: 300 }, (_, i) => Buffer.alloc(10007, 97 + (i % 26)));
  const content = Buffer.concat(parts);
  const sources = {
    'a Readable': () => Readable.from(parts, { objectMode: false }),
    'a generator': () => (function* all() { yield* parts; })(),
    'a stream of the web': () => new Blob(parts).stream(),
    'a large part': () => [content],
    'no bytes': () => [],
  };
  for (const [kind, source] of Object.entries(sources)) {
    const expected = kind === 'no bytes' ? Buffer.alloc(0) : content;
    let statements = 0;
    const id = await within(async (client) => {
      const counting = { query: (...args) => { statements += 1; return client.query(...args); } };
      return insert(client, '$1', [await ffu.upload(counting, 'Käse.txt', source())]);
    });
    const row = await stored(id);
    ok(row.name === 'Käse.txt' && row.content.equals(expected), `upload: ${kind}`);
    ok(statements === 1 + Math.ceil(expected.length / 1048576), `upload: ${kind}, in pieces of 1 MB`, statements);
    const other = await insert(pool, 'ffu.upload_finish($1)', [await ffu.uploadResumable(pool, 'b.txt', source())]);
    ok((await stored(other)).content.equals(expected), `uploadResumable: ${kind}`);
  }
  ok(await raised(within((client) => ffu.upload(client, 'a.txt', Readable.from(['text'])))) instanceof TypeError, 'a stream of text is refused');
}

async function tryErrors() {
  await pool.query('DELETE FROM posts');
  async function* broken() {
    yield Buffer.alloc(2 << 20, 97);
    throw new Error('the client went away');
  }
  ok((await raised(ffu.uploadResumable(pool, 'a.txt', broken()))).message === 'the client went away', 'the error of a source is told');
  ok((await raised(within((client) => ffu.upload(client, 'a.txt', broken())))).message === 'the client went away', 'also within a transaction');
  const large = await raised(ffu.uploadResumable(pool, 'a.txt', Buffer.alloc(3 << 20, 97), { maxSize: '2 MB' }));
  ok(large.code === '23514', 'no more than maxSize', large.message);
  ok((await raised(within((client) => ffu.upload(client, 'a.txt', Buffer.alloc(11, 97), { maxSize: 10 })))).code === '23514', 'maxSize is a number as well');
  const id = await ffu.uploadResumable(pool, 'a.txt', Buffer.from('a'));
  await ffu.cancel(pool, id);
  ok((await rest()).uploads === 0, 'nothing is left of any of these, nor of an upload that is cancelled', JSON.stringify(await rest()));

  const error = await raised(insert(pool, "ffu.file('a.jpg', $1)", [Buffer.from('a text')]));
  const refused = ffu.refusal(error);
  ok(refused && refused.constraint === 'ffu_content' && refused.column === 'photo' && refused.message === error.message, 'refusal tells of a refused file', JSON.stringify(refused));
  for (const key of ['cause', 'driverError', 'original', 'originalError']) {
    ok(ffu.refusal(Object.assign(new Error('wrapped'), { [key]: error }))?.constraint === 'ffu_content', `also of an error wrapped as ${key}`);
  }
  ok(ffu.refusal(await raised(pool.query('SELECT 1 / 0'))) === null && ffu.refusal(null) === null, 'and of nothing else');
}

/* Listens, sends one form with two files, and returns the answer. */
async function send(handler, names) {
  const server = http.createServer(handler);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const form = new FormData();
  for (const name of names) form.append('photos', new Blob([`content of ${name}`.repeat(9999)]), name);
  const answer = await fetch(`http://127.0.0.1:${server.address().port}/`, { method: 'POST', body: form });
  const result = { status: answer.status, body: await answer.json() };
  await new Promise((resolve) => { server.close(resolve); server.closeAllConnections?.(); });
  return result;
}

/* Reads a form and hands each file to an engine, as multer does. */
function driven(engine) {
  return (req, res) => {
    const waiting = [];
    const parser = busboy({ headers: req.headers })
      .on('file', (fieldname, stream, { filename }) => {
        const file = { fieldname, originalname: filename, stream };
        waiting.push(new Promise((resolve, reject) => {
          engine._handleFile(req, file, (error, info) => (error ? reject(error) : resolve(Object.assign(file, info))));
        }));
      })
      .on('close', () => Promise.allSettled(waiting).then(async (all) => {
        const good = all.filter((one) => one.value).map((one) => one.value);
        const bad = all.find((one) => one.reason);
        if (bad) for (const file of good) await new Promise((resolve) => engine._removeFile(req, file, resolve));
        finish(res, bad && bad.reason, good);
      }));
    req.pipe(parser);
  };
}

async function finish(res, error, files) {
  const names = [];
  if (!error) {
    for (const file of files) names.push((await stored(await insert(pool, 'ffu.upload_finish($1)', [file.upload]))).name);
  }
  res.writeHead(error ? 422 : 200);
  res.end(JSON.stringify(error ? error.code : names.sort()));
}

async function tryEngine(how, handler) {
  await pool.query('DELETE FROM posts');
  const good = await send(handler(ffu.multerStorage(pool)), ['Käse.txt', 'b.txt', '日本.txt']);
  ok(good.status === 200 && JSON.stringify(good.body) === JSON.stringify(['Käse.txt', 'b.txt', '日本.txt'].sort()), `${how}: files are stored under their names`, JSON.stringify(good));
  const bad = await send(handler(ffu.multerStorage(pool, { maxSize: 200000 })), ['c.txt', 'a name that makes the content longer.txt']);
  ok(bad.status === 422 && bad.body === '23514', `${how}: a file that is too large is refused`, JSON.stringify(bad));
  const { uploads, posts } = await rest();
  ok(uploads === 0 && posts === 3, `${how}: and the other file of the request is removed`, uploads, posts);
}

/* A module that npm has and Debian has not; null where it is not installed. */
function optional(name) {
  try {
    return require(name);
  } catch {
    console.log(`# no ${name} is installed`);
    return null;
  }
}

async function tryRecipes() {
  const connection = { host: process.env.PGHOST, user: process.env.PGUSER, database: process.env.PGDATABASE };
  const value = ['a.txt', Buffer.from('zero\0byte')];
  const facts = async () => (await pool.query('DELETE FROM posts RETURNING photo__file_name, photo__size::int')).rows;
  const expected = JSON.stringify([{ photo__file_name: 'a.txt', photo__size: 9 }]);
  await pool.query('DELETE FROM posts');
  const knex = optional('knex');
  if (knex) {
    const db = knex({ client: 'pg', connection });
    await db('posts').insert({ photo: db.raw('ffu.file(?, ?)', value) });
    await db.destroy();
    ok(JSON.stringify(await facts()) === expected, 'Knex stores a file');
  }
  const drizzle = optional('drizzle-orm/node-postgres');
  if (drizzle) {
    const { sql } = require('drizzle-orm');
    const { pgTable, text } = require('drizzle-orm/pg-core');
    await drizzle.drizzle(pool).insert(pgTable('posts', { photo: text('photo') })).values({ photo: sql`ffu.file(${value[0]}, ${value[1]})` });
    ok(JSON.stringify(await facts()) === expected, 'Drizzle stores a file');
  }
  const typeorm = optional('typeorm');
  if (typeorm) {
    const source = await new typeorm.DataSource({ type: 'postgres', ...connection, username: connection.user }).initialize();
    await source.createQueryBuilder().insert().into('posts', ['photo']).values({ photo: () => 'ffu.file(:name, :bytes)' })
      .setParameters({ name: value[0], bytes: value[1] }).execute();
    await source.destroy();
    ok(JSON.stringify(await facts()) === expected, 'TypeORM stores a file');
  }
}

async function tryAttachments() {
  await pool.query("SELECT ffu.add_attachments('posts', 'photos')");
  const { rows: [{ id }] } = await pool.query('INSERT INTO posts DEFAULT VALUES RETURNING id');
  await pool.query("SELECT ffu.attach('posts_photos', $1, ffu.file($2, $3))", [id, 'a.txt', await ffu.bytes(new Blob(['a']))]);
  await within(async (client) => client.query("SELECT ffu.attach('posts_photos', $1, $2)", [id, await ffu.upload(client, 'b.txt', Readable.from([Buffer.from('b')]))]));
  const { rows: [{ urls }] } = await pool.query('SELECT p.photos_urls AS urls FROM posts p WHERE id = $1', [id]);
  ok(urls.map((each) => each.file_name).join() === 'a.txt,b.txt', 'attachments, of bytes and of a stream', JSON.stringify(urls));
  const error = await raised(pool.query("SELECT ffu.attach('posts_photos', $1, ffu.file($2, $3))", [id, 'a.exe', Buffer.from('x')]));
  ok(ffu.refusal(error)?.column === 'file', 'a refused attachment', error);
}

async function main() {
  await pool.query('CREATE EXTENSION ffu');
  await pool.query('SELECT ffu.use_folder($1)', [process.env.FOLDER]);
  await pool.query('CREATE TABLE posts (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY)');
  await pool.query("SELECT ffu.add_column('posts', 'photo')");
  await tryBytes();
  await tryStreams();
  await tryErrors();
  await tryEngine('as multer calls it', driven);
  const multer = optional('multer');
  if (multer) {
    await tryEngine('multer', (storage) => (req, res) => multer({ storage }).array('photos')(req, res, (error) => finish(res, error, req.files)));
  }
  await tryRecipes();
  await tryAttachments();
  ok((await pool.query('SELECT * FROM ffu.check()')).rows.length === 0, 'and ffu.check finds nothing wrong');
  await pool.end();
  console.log(`1..${count}`);
  process.exitCode = failed ? 1 : 0;
}

main().catch((error) => {
  console.log(`Bail out! ${error.stack}`);
  process.exit(1);
});
