const { Sequelize, DataTypes } = require('sequelize');
const { bytes, refusal } = require('ffu');

(async () => {
  const sequelize = new Sequelize({ dialect: 'postgres', host: process.env.PGHOST, username: process.env.PGUSER, database: process.env.PGDATABASE, logging: false });
  const file = new Blob(['bytes of the file']);
  // MODEL
  // USE
  // REFUSED
  // TEST
  const trap = await Blog.sync({ alter: true }).then(() => 'none', (error) => error.message);
  if (!/cannot (drop column|alter type)/.test(trap)) console.log(`the trap: ${trap}`);
  await Blog.sync();
  const rows = await Blog.findAll();
  console.log(blog.photo__size, url.slice(-4), refused.constraint, refused.column, rows.length);
  await sequelize.close();
})();
