const { execFileSync } = require('child_process');
const http = require('http');
const { postgraphile } = require('postgraphile4');

const url = `postgres:///${process.env.PGDATABASE}?host=${encodeURIComponent(process.env.PGHOST)}&user=${process.env.PGUSER}`;

// REQUEST

/* Starts a server, and returns what asks it. */
async function serve(server) {
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return async (query, variables) => (await fetch(`http://127.0.0.1:${server.address().port}/graphql`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query, variables }),
  })).json();
}

(async () => {
  /* A table whose type has the name that GraphQL would give the domain. */
  execFileSync('psql', ['-Xqc', "CREATE TABLE files (id int PRIMARY KEY); SELECT ffu.add_column('files', 'content')"], { stdio: 'ignore' });
  // USE
  const ask = await serve(server);
  const large = await ask(CREATE, { photo: `data:text/plain;name=lake.txt;base64,${Buffer.alloc(300000, 97).toString('base64')}` });
  const small = await serve(http.createServer(postgraphile(url, 'public', {})));
  if ((await small(CREATE, { photo: `data:;name=lake.txt;base64,${Buffer.alloc(300000, 97).toString('base64')}` })).data?.createBlog) console.log('no trap');
  const wrong = await ask(CREATE, { photo: 'data:text/plain;name=lake.exe;base64,YQ==' });
  if (!large.data?.createBlog) console.log(JSON.stringify(large), JSON.stringify(wrong));
  const { blog } = large.data.createBlog;
  console.log(blog.photoSize, blog.photoUrl.slice(-4), JSON.stringify(wrong.errors).includes('exe'));
  execFileSync('psql', ['-Xqc', 'DROP TABLE files']);
  process.exit(0);
})().catch((error) => { console.log(error); process.exit(1); });
