/** The package ships its schemas as plain JavaScript: names ending in Schema, zod mini objects. */
declare module 'discord-api-spec/zod';
