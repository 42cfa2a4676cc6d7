"""Mail: messages that are sent, and packages that come and go with them."""
