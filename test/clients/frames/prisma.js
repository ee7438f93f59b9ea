const fs = require('fs');
const { execFileSync } = require('child_process');

fs.symlinkSync(process.env.NODE_PATH.split(':')[0], 'node_modules');
fs.writeFileSync('schema.prisma', `
generator client {
  provider = "prisma-client-js"
  output   = "./client"
}

datasource db {
  provider = "postgresql"
}

// MODEL
`);
fs.writeFileSync('prisma.config.mjs', "export default { schema: './schema.prisma' };\n");
execFileSync(process.execPath, ['node_modules/prisma/build/index.js', 'generate'],
  { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: '/bin/true', PRISMA_HIDE_UPDATE_MESSAGE: '1', CHECKPOINT_DISABLE: '1' } });
const { PrismaPg } = require('@prisma/adapter-pg');
const { PrismaClient } = require(`${process.cwd()}/client`);

(async () => {
  const prisma = new PrismaClient({ adapter: new PrismaPg({ host: process.env.PGHOST, user: process.env.PGUSER, database: process.env.PGDATABASE }) });
  const content = Buffer.from('bytes of the file');
  // USE
  // REFUSED
  // TEST
  const rows = await prisma.blogs.findMany();
  console.log(Number(blog.photo__size), url.slice(-4), refused, rows.length);
  await prisma.$disconnect();
})();
