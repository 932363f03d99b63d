import { installProbe } from './probe.ts'

installProbe()
