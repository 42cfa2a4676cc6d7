"""What starts the nights by itself: cron, systemd, or the Task Scheduler of Windows."""
