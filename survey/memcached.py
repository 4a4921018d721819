"""memcached: four threads with a loop each, and connections handed from one to the other."""
# version: memcached --version
from workload import *

need("memcached")
port = free_port()
server = start("memcached", "-u", "nobody", "-l", "127.0.0.1", "-p", str(port), "-t", "4")


def talk(text):
    with socket.create_connection(("127.0.0.1", port), 10) as peer:
        peer.sendall(text)
        return peer.recv(1000)


until("memcached answers", lambda: talk(b"version\r\n").startswith(b"VERSION"))
for n in range(20):
    check(talk(b"set k%d 0 0 4\r\nwell\r\n" % n) == b"STORED\r\n", "a write")
for n in range(20):
    check(b"well" in talk(b"get k%d\r\n" % n), "a read")
server.send_signal(signal.SIGTERM)
ends(server, "memcached ends")
