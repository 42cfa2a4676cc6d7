"""What is in the repositories: archives, their manifests, and the versions of a folder."""
