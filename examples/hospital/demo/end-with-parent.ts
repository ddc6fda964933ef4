// Loaded before a child's own program: when the demo is gone, however it ended, its channel closes and the child ends.
process.on('disconnect', () => process.exit());
