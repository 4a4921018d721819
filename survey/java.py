"""Java: a selector (epoll), and processes started meanwhile."""
# version: java --version
from workload import *

need("java")
sample("Survey.class")
check("well" in run("java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", BUILT, "Survey"), "selector and processes answer")
