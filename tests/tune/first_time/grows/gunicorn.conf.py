"""As many services are started: one worker, some threads."""

threads = 8
