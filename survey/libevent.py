"""libevent: a base that is forked, event_reinit in the child, and both go on."""
# version: pkg:libevent-core-2.1-7
from workload import *

check("well" in run(sample("libevent")), "both bases hear of what they watch")
