/**
 * Client of a Crossfade records API. {@link dev.crossfade.client.CrossfadeClient} knows the addresses; a {@link
 * dev.crossfade.client.Session} is what one user, job or request reads and writes in order.
 */
package dev.crossfade.client;
