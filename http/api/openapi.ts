import { z } from 'zod';
import type { Operation } from './contract.ts';

/** Where all paths of the API begin. */
export const API_PATH = '/api/v1';

type Json = Readonly<Record<string, unknown>>;

/**
 * The API in OpenAPI 3.1, made of the schemas that check its requests. The input side of an answer's schema is what goes
 * over the wire: its output side is what a client of ours makes of it.
 */
export function openApi(operations: readonly Operation[], version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const operation of operations) {
    const path = `${API_PATH}${operation.path}`;
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: operationJson(operation) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'tidegauge',
      version,
      description:
        'What tidegauge knows, and what people tell it. Rows are those that the commands print with `--json`. Times are ISO 8601, UTC.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'An entry of `http.tokens`.' },
      },
      schemas: { Problem: PROBLEM },
      responses: {
        Problem: {
          description: 'What is wrong, and what to do (RFC 9457).',
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
    },
    // On loopback no token is asked for where none is configured.
    security: [{ token: [] }, {}],
  };
}

function operationJson({ id, path, summary, params, query, body, answer }: Operation): Json {
  const hasPages = 'after' in query.shape;
  const tag = path.split('/')[1];
  return {
    operationId: id,
    summary,
    tags: [tag],
    parameters: [...parameters('path', params), ...parameters('query', query)],
    ...(body ? { requestBody: { required: true, content: jsonContent(body) } } : {}),
    responses: {
      200: {
        description: 'Done.',
        ...(hasPages ? { headers: { Link: LINK } } : {}),
        content: jsonContent(answer),
      },
      default: { $ref: '#/components/responses/Problem' },
    },
  };
}

function parameters(place: 'path' | 'query', schema: z.ZodObject): Json[] {
  const { properties = {}, required = [] } = schemaJson(schema) as {
    properties?: Record<string, Json>;
    required?: readonly string[];
  };
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    ...{ name, in: place, required: place === 'path' || required.includes(name) },
    ...(description === undefined ? {} : { description }),
    schema: rest,
  }));
}

const jsonContent = (schema: z.ZodType) => ({ 'application/json': { schema: schemaJson(schema) } });

function schemaJson(schema: z.ZodType): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return json;
}

const LINK = {
  description: 'With `rel="next"` the address of the next page; without it, this is the last one.',
  schema: { type: 'string' },
};

const text = { type: 'string' };
const PROBLEM = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'place', 'expected', 'found', 'remedy'],
  properties: {
    type: { const: 'about:blank' },
    title: text,
    status: { type: 'integer' },
    detail: { ...text, description: 'All of it in one line.' },
    place: { ...text, description: 'Where: a parameter, a file, an address. Empty where `found` says it.' },
    expected: { type: ['string', 'null'], description: 'What would be right.' },
    found: { ...text, description: 'What is there instead, or what is wrong.' },
    remedy: { ...text, description: 'What to do.' },
  },
};
