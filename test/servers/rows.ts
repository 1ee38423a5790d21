import { cloudServers } from './shapes-cloud.ts'
import { hostedServers } from './shapes-hosted.ts'
import { localServers } from './shapes-local.ts'
import { packages } from './shapes-packages.ts'
import type { Row } from './row.ts'

/** All servers and quirks that were tried. docs/servers.md names the same. */
export const rows: readonly Row[] = [...localServers, ...hostedServers, ...cloudServers, ...packages]
