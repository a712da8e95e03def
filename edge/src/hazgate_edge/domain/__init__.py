"""The rules of weighing, without a wire, a disk, a page or a clock of their own."""
