<?php
$pdo = new PDO('pgsql:host=' . getenv('PGHOST') . ';dbname=postgres;user=postgres');
$pdo->setAttribute(PDO::ATTR_ERRMODE, PDO::ERRMODE_EXCEPTION);
$stream = fopen('php://memory', 'w+');
fwrite($stream, "bytes\0of the file");
rewind($stream);
// USE
// REFUSED
// TEST
$cut = $pdo->prepare("INSERT INTO blogs (photo) VALUES (ffu.file('a.txt', ?)) RETURNING photo__size");
$cut->execute(["bytes\0of the file"]);
if ($cut->fetchColumn() !== 5) echo "the trap: no cut\n";
try {
    $pdo->prepare("UPDATE blogs SET photo = ffu.file('a.txt', ?, size => ?)")->execute(["bytes\0of the file", 17]);
    echo "size does not see it\n";
} catch (PDOException $error) {
}
$pdo->exec('DELETE FROM blogs WHERE id <> ' . $blog['id']);
echo $blog['photo__size'], ' ', substr($blog['url'], -4), ' ', $refused, ' ', $pdo->query('SELECT count(*) FROM blogs')->fetchColumn();
