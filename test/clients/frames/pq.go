package main

import (
	"database/sql"
	"fmt"

	"github.com/lib/pq"
)

func main() {
	db, err := sql.Open("postgres", "sslmode=disable")
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
	if _, err = db.Exec("INSERT INTO blogs (photo) VALUES ($1)", content); err == nil {
		fmt.Println("no trap")
	}
	db.QueryRow("SELECT count(*) FROM blogs").Scan(&count)
	fmt.Println(size, url[len(url)-4:], refused.Constraint, refused.Column, count)
}
