"""tokio: a server and its clients, children with pipes, signals and timers, on two threads."""
# version: lock:samples/tokio/Cargo.lock:tokio
from workload import *

check("well" in run(sample("tokio")), "the server, the children and the signals answer")
