// A service for tests of the platform: says which version and pod answers, and fails as often as it is told to.
//
// VERSION names the version, FAIL_EVERY=3 makes every third answer a 500. `echo-server get URL` asks another one:
// the image has no shell.
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	address = ":8080"
	timeout = 2 * time.Second
)

func get(url string) error {
	client := http.Client{Timeout: timeout}
	answer, err := client.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", url, answer.Status)
	}
	_, err = io.Copy(os.Stdout, answer.Body)
	return err
}

func serve() error {
	version := os.Getenv("VERSION")
	failEvery, err := strconv.ParseInt(os.Getenv("FAIL_EVERY"), 10, 64)
	if err != nil {
		failEvery = 0
	}
	pod, err := os.Hostname()
	if err != nil {
		return err
	}
	var answers atomic.Int64
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		if n := answers.Add(1); failEvery > 0 && n%failEvery == 0 {
			http.Error(w, "failing as told", http.StatusInternalServerError)
			return
		}
		fmt.Fprintf(w, "version=%s pod=%s uid=%d\n", version, pod, os.Getuid())
	})
	http.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	log.Printf("version %q listens on %s", version, address)
	return http.ListenAndServe(address, nil)
}

func main() {
	task := serve
	if len(os.Args) == 3 && os.Args[1] == "get" {
		task = func() error { return get(os.Args[2]) }
	}
	if err := task(); err != nil {
		log.Fatal(err)
	}
}
