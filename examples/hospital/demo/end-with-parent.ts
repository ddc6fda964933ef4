// Loaded before a child's own program: when the demo is gone, however it ended, its channel closes and the child ends.
process.on('disconnect', () => process.exit());
// A program that has nothing more to do ends, though the channel is open.
process.channel?.unref();
