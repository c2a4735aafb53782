import * as z from 'zod';

// Imported before any schema: zod compiles parsers with `new Function` where it may. The content security policy of the
// webview and of the report forbids it, and even the try would be reported as a violation.
z.config({ jitless: true });
