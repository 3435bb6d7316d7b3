"""What is inside of a bundle: files in, a report of facts out, whatever the files hold."""
