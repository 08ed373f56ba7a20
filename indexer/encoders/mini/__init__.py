"""The built-in encoder `mini`: two pinned towers with their tails and heads."""
