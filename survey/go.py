"""Go: a server and clients, and children with pipes."""
# version: go version
from workload import *

check("well" in run(sample("go")), "the server and the children answer")
