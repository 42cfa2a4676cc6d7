"""What makes the nightly copy: one module each, all with the shape of `peer.Peer`."""
