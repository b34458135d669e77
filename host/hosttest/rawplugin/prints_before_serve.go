package main

import "fmt"

// printsBeforeServe prints where the handshake belongs, and serves well after it.
func printsBeforeServe() {
	fmt.Println("loading profile, password=hunter2hunter2")
	serve(cloud{})
}
