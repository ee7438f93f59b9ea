/*
 * File columns of ffu for node-postgres.
 *
 * A client is an object with query(text, values), as a Client, PoolClient or Pool
 * of pg.  The module opens no file: bytes come from the caller.
 */
'use strict';

const PIECE = 1024 * 1024;

/* Whether a value has all its bytes in memory already. */
function inMemory(source) {
  return ArrayBuffer.isView(source) || source instanceof ArrayBuffer || source instanceof SharedArrayBuffer;
}

/* A Buffer over the memory of a value, without a copy. */
function view(source) {
  if (Buffer.isBuffer(source)) return source;
  return ArrayBuffer.isView(source)
    ? Buffer.from(source.buffer, source.byteOffset, source.byteLength)
    : Buffer.from(source);
}

/*
 * Returns the bytes of a Buffer, a typed array, an ArrayBuffer, a Blob or a File as a
 * Buffer, which pg sends as bytea.  Without this, pg sends an ArrayBuffer and a Blob as
 * the text "{}".  TypeError for anything else.
 */
async function bytes(source) {
  if (inMemory(source)) return view(source);
  if (source instanceof Blob) return Buffer.from(await source.arrayBuffer());
  throw new TypeError('bytes are a Buffer, a typed array, an ArrayBuffer or a Blob');
}

/* The bytes of any source in pieces of PIECE bytes; the last piece may be shorter. */
async function* pieces(source) {
  if (inMemory(source)) {
    const all = view(source);
    for (let at = 0; at < all.length; at += PIECE) yield all.subarray(at, at + PIECE);
    return;
  }
  const stream = source instanceof Blob ? source.stream() : source;
  if (!stream || !(stream[Symbol.asyncIterator] || (stream[Symbol.iterator] && typeof stream !== 'string'))) {
    throw new TypeError('a source is bytes, a Blob, a stream or an iterable of bytes');
  }
  let waiting = [];
  let size = 0;
  for await (const part of stream) {
    if (!inMemory(part)) throw new TypeError('a stream of bytes gave something else; set no encoding');
    waiting.push(view(part));
    size += part.byteLength;
    if (size < PIECE) continue;
    let all = Buffer.concat(waiting, size);
    for (; all.length >= PIECE; all = all.subarray(PIECE)) yield all.subarray(0, PIECE);
    waiting = [all];
    size = all.length;
  }
  if (size > 0) yield Buffer.concat(waiting, size);
}

/* The first column of the row that a statement returns. */
async function ask(client, text, values) {
  const { rows: [row] } = await client.query({ text, values, rowMode: 'array' });
  return row[0];
}

/*
 * Sends a file within a transaction of client, and returns an upload, which a statement
 * of the same transaction assigns to a file column.  An error leaves the rollback to the
 * caller.
 */
async function upload(client, name, source, { maxSize = null } = {}) {
  const id = await ask(client, 'SELECT ffu.upload_begin($1, max_size => $2::text)', [name, maxSize]);
  for await (const piece of pieces(source)) {
    await client.query('SELECT ffu.upload_append($1, $2::bytea)', [id, piece]);
  }
  return id;
}

/*
 * Sends a file in a transaction for each piece; client may be a Pool.  Returns the
 * secret id of a resumable upload, to be assigned as ffu.upload_finish(id).  Ends the
 * upload if the source or the database fails.
 */
async function uploadResumable(client, name, source, { maxSize = null } = {}) {
  const id = await ask(client, 'SELECT ffu.upload_begin($1, true, max_size => $2::text)', [name, maxSize]);
  try {
    let size = 0;
    for await (const piece of pieces(source)) {
      await client.query('SELECT ffu.upload_append($1, $2::bigint, $3::bytea)', [id, size, piece]);
      size += piece.length;
    }
  } catch (error) {
    /* The first error is the one to tell; an upload that is left expires. */
    await cancel(client, id).catch(() => {});
    throw error;
  }
  return id;
}

/* Gives up a resumable upload. */
async function cancel(client, id) {
  await client.query('SELECT ffu.upload_cancel($1)', [id]);
}

/*
 * What ffu says of a refused file: constraint, message for people, table, column; null
 * for any other error.  An ORM may have wrapped the error of pg.
 */
function refusal(error) {
  for (let at = error; at; at = at.cause || at.driverError || at.original || at.originalError) {
    if (typeof at.constraint === 'string' && at.constraint.startsWith('ffu_')) {
      return { constraint: at.constraint, message: at.message, table: at.table, column: at.column };
    }
  }
  return null;
}

/* The name in UTF-8 of a name that multer has read as latin1. */
function utf8Name(name) {
  if (/[^\0-\xff]/.test(name)) return name;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(name, 'latin1'));
  } catch {
    return name;
  }
}

/*
 * A storage engine for multer.  Bytes go to the database while the body comes in, and
 * file.upload is the id for ffu.upload_finish.  multer removes the files of a request
 * that it refuses.
 */
function multerStorage(client, options) {
  return {
    _handleFile(req, file, done) {
      const name = utf8Name(file.originalname);
      uploadResumable(client, name, file.stream, options)
        .then((id) => done(null, { originalname: name, upload: id }), (error) => {
          file.stream.resume();
          done(error);
        });
    },
    _removeFile(req, file, done) {
      cancel(client, file.upload).then(() => done(null), done);
    },
  };
}

module.exports = { bytes, upload, uploadResumable, cancel, refusal, multerStorage };
