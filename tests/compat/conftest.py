"""The programs import Autograd, which is not installed for tests: they are run by ``test_programs.py`` alone."""

collect_ignore_glob = ["programs/*"]
