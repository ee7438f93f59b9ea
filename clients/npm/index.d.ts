/** An object that runs statements, as a Client, PoolClient or Pool of pg. */
export interface Queryable {
  query(config: any, values?: any[]): Promise<{ rows: any[] }>;
}

export type Bytes = ArrayBufferView | ArrayBuffer | SharedArrayBuffer | Blob;
export type Source = Bytes | AsyncIterable<any> | Iterable<Uint8Array>;

export interface UploadOptions {
  /** The most bytes: a number, or a text such as "1 GB". Without, the setting ffu.max_content_length. */
  maxSize?: number | string | null;
}

export interface Refusal {
  /** For programs, for example "ffu_content". */
  constraint: string;
  /** For people. */
  message: string;
  table?: string;
  column?: string;
}

/** The bytes as a Buffer. Rejects with a TypeError for anything else. */
export function bytes(source: Bytes): Promise<Buffer>;
/** Sends a file within the transaction of client, and returns the upload to assign. */
export function upload(client: Queryable, name: string | null, source: Source, options?: UploadOptions): Promise<string>;
/** Sends a file in a transaction for each piece, and returns the id for ffu.upload_finish. */
export function uploadResumable(client: Queryable, name: string | null, source: Source, options?: UploadOptions): Promise<string>;
/** Gives up a resumable upload. */
export function cancel(client: Queryable, id: string): Promise<void>;
/** What ffu says of a refused file; null for any other error. */
export function refusal(error: unknown): Refusal | null;

/** A storage engine for multer; file.upload is the id for ffu.upload_finish. */
export interface MulterStorage {
  _handleFile(req: any, file: any, done: (error?: any, info?: { originalname: string; upload: string }) => void): void;
  _removeFile(req: any, file: any, done: (error: Error | null) => void): void;
}
export function multerStorage(client: Queryable, options?: UploadOptions): MulterStorage;
