// A server, its clients, and children with pipes: the runtime's poller waits for all of them.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		for {
			peer, err := listener.Accept()
			if err != nil {
				return
			}
			go io.Copy(peer, peer)
		}
	}()
	for n := 0; n < 5; n++ {
		out, err := exec.Command("echo", "child").Output()
		if err != nil || string(out) != "child\n" {
			os.Exit(1)
		}
		peer, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			os.Exit(2)
		}
		peer.Write([]byte("hello"))
		answer := make([]byte, 5)
		if _, err := io.ReadFull(peer, answer); err != nil || string(answer) != "hello" {
			os.Exit(3)
		}
		peer.Close()
	}
	fmt.Println("well")
}
