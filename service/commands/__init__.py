"""The commands of `reachpoint`, one file for each thing that people do. Heavy imports happen inside the commands."""
