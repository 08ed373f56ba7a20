"""Warm answers: `picfuse search` asks a service of the same user by a socket, if there is one."""
