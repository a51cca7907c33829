"""What is shipped to run beside us: compose files, alarms, the board."""
