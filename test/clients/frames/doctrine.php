<?php
error_reporting(E_ALL & ~E_DEPRECATED);
require 'Doctrine/ORM/autoload.php';
use Doctrine\DBAL\ParameterType;
use Doctrine\ORM\Mapping as ORM;

// MODEL

$config = new Doctrine\ORM\Configuration;
$config->setMetadataDriverImpl(new Doctrine\ORM\Mapping\Driver\AttributeDriver([]));
$config->setProxyDir(__DIR__);
$config->setProxyNamespace('Proxies');
$config->setSchemaAssetsFilter($filter);
$connection = Doctrine\DBAL\DriverManager::getConnection(['driver' => 'pdo_pgsql', 'host' => getenv('PGHOST'), 'dbname' => 'postgres', 'user' => 'postgres'], $config);
$em = new Doctrine\ORM\EntityManager($connection, $config);
$tool = new Doctrine\ORM\Tools\SchemaTool($em);
$classes = [$em->getClassMetadata(Blog::class)];
$tool->updateSchema($classes);
$connection->executeStatement(<<<'SQL'
// MIGRATION
SQL);
$changes = $tool->getUpdateSchemaSql($classes);
$bytes = "bytes\0of the file";
// USE
// REFUSED
// TEST
$config->setSchemaAssetsFilter(null);
if (!str_contains(implode($tool->getUpdateSchemaSql($classes)), 'ffu.')) echo "no trap\n";
echo $blog->size, ' ', substr($url, -4), ' ', $refused, ' ', $connection->fetchOne('SELECT count(*) FROM blogs'), ' ', implode('; ', $changes) ?: 'clean';
$connection->executeStatement('ALTER TABLE blogs DROP COLUMN photo');
