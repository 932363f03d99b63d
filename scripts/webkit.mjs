// The demo in WebKitGTK, which has no private file system: it says that it runs in memory, and works. Needs Debian's
// webkit2gtk-driver and xvfb, and installs the first.
//
//     npm run test:webkit
import { soak } from './soak.mjs'

soak('webkit/', 'webkit', {})
