package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgconn"
	"github.com/jackc/pgx/v4"
)

func main() {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, "")
	if err != nil {
		panic(err)
	}
	content := []byte("bytes\x00of the file")
	var id, size, count int
	var url string
	// USE
	if err != nil {
		panic(err)
	}
	// REFUSED
	// TEST
	if _, err = conn.Exec(ctx, "INSERT INTO blogs (photo) VALUES ($1)", content); err == nil {
		fmt.Println("no trap")
	}
	conn.QueryRow(ctx, "SELECT count(*) FROM blogs").Scan(&count)
	fmt.Println(size, url[len(url)-4:], refused.ConstraintName, refused.ColumnName, count)
}
